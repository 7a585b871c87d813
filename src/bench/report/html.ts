import { escapeText } from './svg.js';

/** A part of the page; `note` and `body` are HTML. */
export function section(title: string, note: string, body: string): string {
  return `<section><h2>${escapeText(title)}</h2><p>${note}</p>${body}</section>`;
}

/** A table of texts. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => `<td${text === 'WRONG' ? ' class="bad"' : ''}>${escapeText(text)}</td>`;
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('');
  return `<table><thead><tr>${head.map((text) => `<th>${escapeText(text)}</th>`).join('')}</tr></thead><tbody>${body}</tbody></table>`;
}
