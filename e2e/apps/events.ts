/**
 * `node events.ts URL`: reads server-sent events whose data is the time at which they were sent.
 * Prints {events, maxDelayMs, ended} as JSON; both pods are on one machine in the tests, or near enough for seconds.
 */
const response = await fetch(process.argv[2]!);
let events = 0;
let maxDelayMs = 0;
let text = '';
for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
  text += chunk;
  for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
    const sent = Number(/^data: (\d+)$/m.exec(text.slice(0, end))?.[1]);
    text = text.slice(end + 2);
    events += 1;
    maxDelayMs = Math.max(maxDelayMs, Date.now() - sent);
  }
}
process.stdout.write(
  `${JSON.stringify({ events, maxDelayMs, type: response.headers.get('content-type') })}\n`,
);
process.exit(0);
