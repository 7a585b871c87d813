import { escapeText } from './svg.js';

/** A part of the page; `note` and `body` are HTML. */
export function section(title: string, note: string, body: string): string {
  return `<section><h2>${escapeText(title)}</h2><p>${note}</p>${body}</section>`;
}

/** Letters that half of a phone's width has room for, beside what they are. */
const HALF_LINE = 14;

/** A table of texts. Where it is narrow each row is a block, whose cells say themselves what they are. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string, column: number) => {
    const look = text === 'WRONG' ? ' class="bad"' : text.length > HALF_LINE ? ' class="long"' : '';
    return `<td${look} data-head="${escapeText(head[column] ?? '')}">${escapeText(text)}</td>`;
  };
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('');
  return `<table><thead><tr>${head.map((text) => `<th>${escapeText(text)}</th>`).join('')}</tr></thead><tbody>${body}</tbody></table>`;
}
