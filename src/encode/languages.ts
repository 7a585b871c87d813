/** Codes of ISO 639-2 that QuickTime's list knows by the language's other code. */
const QUICKTIME: Readonly<Record<string, string>> = {
  ...{ fre: 'fra', deu: 'ger', nld: 'dut', swe: 'sve', ell: 'gre', isl: 'ice', zho: 'chi', rum: 'ron', cze: 'ces' },
  ...{ slo: 'slk', sqi: 'alb', mkd: 'mac', hye: 'arm', kat: 'geo', bod: 'tib', mya: 'bur', msa: 'may', cym: 'wel' },
  eus: 'baq',
};

/** The code by which a container's muxer knows a language; undefined when the source's own will do. */
export function languageFor(muxer: string, language: string | undefined): string | undefined {
  return muxer === 'mov' ? QUICKTIME[language ?? ''] : undefined;
}
