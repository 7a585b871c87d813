import type { ColorTags } from './media.js';

/** YUV matrices as swscale's `in_color_matrix` names them. */
export type Matrix = 'bt601' | 'bt709' | 'bt2020' | 'smpte240m' | 'fcc';

/** Lines from which players take an untagged picture for BT.709 (ITU-R BT.601 covers up to 576). */
const HD_LINES = 577;

const BY_TAG: Readonly<Record<string, Matrix>> = {
  bt709: 'bt709',
  smpte170m: 'bt601',
  bt470bg: 'bt601',
  bt2020nc: 'bt2020',
  bt2020c: 'bt2020',
  smpte240m: 'smpte240m',
  fcc: 'fcc',
};

/** The matrix a player would assume for a picture: its tag, else by its number of lines. */
export function effectiveMatrix(tags: ColorTags, height: number): Matrix {
  return BY_TAG[tags.matrix ?? ''] ?? (height >= HD_LINES ? 'bt709' : 'bt601');
}

/** The tag that names a matrix in a file. */
export function matrixTag(matrix: Matrix): string {
  return matrix === 'bt601' ? 'smpte170m' : matrix === 'bt2020' ? 'bt2020nc' : matrix;
}

/** Whether a source's pixel format has no YUV matrix: RGB, palette and grey ones, but for grey of limited range. */
export function hasNoMatrix(pixelFormat: string, range: ColorTags['range']): boolean {
  if (isLimitedGrey(pixelFormat, range)) return false;
  return /^(gbr|rgb|bgr|argb|abgr|0rgb|0bgr|pal8|gray|ya\d|mono)/.test(pixelFormat);
}

/** Grey from 16 to 235, as of YUV video without colour: swscale takes all grey for full range. */
export function isLimitedGrey(pixelFormat: string, range: ColorTags['range']): boolean {
  return pixelFormat.startsWith('gray') && range === 'tv';
}

/** Whether an output's pixel format is RGB, so that no matrix, range or chroma site describes it. */
export function isRgbOutput(pixelFormat: string): boolean {
  return /^(gbr|rgb|bgr)/.test(pixelFormat);
}
