/** Does what connections have to do at the end of an event-loop turn: one timer for all that have something. */
export interface TurnMember {
  turnEnds(): void;
}

let waiting: TurnMember[] = [];
let running: TurnMember[] = [];
let due = false;

/** `turnEnds` is called once for each call. */
export function atTurnEnd(member: TurnMember): void {
  waiting.push(member);
  if (due) return;
  due = true;
  setImmediate(run);
}

function run(): void {
  due = false;
  endTurn();
}

/** Does now what would be done at the end of the turn: for whoever has no event loop. */
export function endTurn(): void {
  const members = waiting;
  waiting = running;
  running = members;
  // who asks again meanwhile gets the next turn
  for (const member of members) member.turnEnds();
  members.length = 0;
}
