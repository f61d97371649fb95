/** The targets by name. Loaded one at a time: code is instrumented as it is imported. */
const file = (name: string) => new URL(`./${name}.ts`, import.meta.url).href;

export const targetFiles: Readonly<Record<string, string>> = {
  'http1-request': file('http1Request'),
  'http1-response': file('http1Response'),
  'http1-body': file('http1Body'),
  'http1-connection': file('http1Connection'),
  sniff: file('sniff'),
  hpack: file('hpack'),
  http2: file('http2'),
  paths: file('paths'),
  'proxy-config': file('proxyConfig'),
  certificate: file('certificate'),
};
