/** Longest reason that is passed on, in characters: some of the runtime's have whole signatures of C++ in them. */
const MOST = 300;

/** What to do about what the runtime says, where it can be known. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /till opset|IR version|under development/i,
    'It was exported for a newer runtime: export it again with an older opset, for example opset_version=17.',
  ],
  [
    /not a registered function|No Op registered|No opset import|not implemented|Could not find an implementation/i,
    'It has an operator that the runtime does not: export it with ONNX’s own operators only.',
  ],
];

/** A place in the runtime's sources and the signature of the function there. */
const PLACE = /\/onnxruntime_src\/\S+:\d+ [^()]*\([^()]*\)( const)? /g;

/** The first line of what the runtime says, without the path that the message has already and places in its sources. */
export function runtimeWords(message: string): string {
  const [line = ''] = message.split('\n');
  const said = line
    .replace(/^Load model from .*? failed:\s*/, '')
    .replace(/^Non-zero status code returned while running (\S+) node\..*? Status Message: /, '$1: ')
    .replace(PLACE, '');
  return said.length > MOST ? `${said.slice(0, MOST)}…` : said;
}

/** What to do about a file that the runtime does not load. */
export function loadingHint(reason: string): string {
  const known = HINTS.find(([pattern]) => pattern.test(reason));
  return known?.[1] ?? 'Is it complete, and is its external data, if any, in the same folder?';
}
