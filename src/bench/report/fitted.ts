/** Widths that charts are drawn for: what is read on a phone is another drawing than what fills a screen. */
export const CHART_WIDTHS = { narrow: 320, middle: 560, wide: 1120 } as const;

/**
 * A chart drawn once for each width; the page's style shows the drawing that fits, so that letters neither shrink nor grow out
 * of measure and nothing has to be moved to be seen.
 *
 * @param most the largest width that is of use
 */
export function fitted(most: 'middle' | 'wide', draw: (width: number) => string): string {
  const { narrow, middle, wide } = CHART_WIDTHS;
  const drawing = (shown: string, width: number) => `<div class="${shown}">${draw(width)}</div>`;
  const large = most === 'wide' ? drawing('middle', middle) + drawing('wide', wide) : drawing('middle wide', middle);
  return drawing('narrow', narrow) + large;
}
