/** What the name of an ffmpeg pixel format says. */
export interface PixelFormatInfo {
  /** Bits of a sample. */
  readonly depth: number;
  readonly alpha: boolean;
  /** 4:2:0 YUV whose name does not promise full range. */
  readonly chroma420: boolean;
  readonly rgb: boolean;
}

/** Reads depth, alpha and subsampling from the name, e.g. `yuva420p10le`. */
export function describePixelFormat(name: string): PixelFormatInfo {
  const rgb = /^(gbr|rgb|bgr|argb|abgr|0rgb|0bgr|pal8|x2rgb|x2bgr|monob|monow)/.test(name);
  const alpha = /^(yuva|gbrap|rgba|bgra|argb|abgr|ya\d|ayuv|pal8|vuya)/.test(name);
  const semiPlanar = /^p0(10|12|16)/.exec(name);
  const planar = /p(9|10|12|14|16)(le|be)?$/.exec(name) ?? /^gray(9|10|12|14|16)/.exec(name);
  const packed = /^(rgb48|bgr48|rgba64|bgra64|ya16)/.test(name)
    ? 16
    : /^(x2rgb10|x2bgr10|y210|xv30)/.test(name)
      ? 10
      : 8;
  // Of floats, sixteen bits are what frames here can hold.
  const depth = /f(16|32)(le|be)?$/.test(name) ? 16 : Number(semiPlanar?.[1] ?? planar?.[1] ?? packed);
  return { depth, alpha, rgb, chroma420: /^(yuva?420p|nv12|nv21|p0(10|12|16))/.test(name) };
}
