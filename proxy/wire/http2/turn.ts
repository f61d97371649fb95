/** Does what connections have to do at the end of an event-loop turn: one timer for all that have something. */
export interface TurnMember {
  turnEnds(): void;
}

let waiting: TurnMember[] = [];
let running: TurnMember[] = [];

/** `turnEnds` is called once for each call. */
export function atTurnEnd(member: TurnMember): void {
  if (waiting.push(member) === 1) setImmediate(run);
}

function run(): void {
  const members = waiting;
  waiting = running;
  running = members;
  // who asks again meanwhile gets the next turn
  for (const member of members) member.turnEnds();
  members.length = 0;
}
