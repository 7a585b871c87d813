/** The element of this id. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** Shows one of the page's views. */
export function show(view: 'home' | 'studio' | 'theatre'): void {
  for (const main of document.querySelectorAll<HTMLElement>('main')) main.hidden = main.id !== view;
}

/** Says in the bar how things are. */
export function status(state: 'idle' | 'busy' | 'live' | 'bad', text: string): void {
  const chip = element('status');
  chip.dataset.state = state;
  if (chip.textContent !== text) chip.textContent = text;
}

let toastTimer = 0;

/** Says something that went wrong. @param stays until something else is said: whoever sits there may be away */
export function toast(text: string, stays = false): void {
  const box = element('toast');
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  if (stays) return;
  toastTimer = window.setTimeout(() => {
    box.hidden = true;
  }, 6000);
}

/** Number of viewers in the bar. */
export function viewers(count: number | undefined): void {
  const chip = element('viewers');
  chip.hidden = count === undefined;
  chip.textContent = count === 1 ? '1 viewer' : `${count} viewers`;
}

/** Fills a list of figures; third entry: good or bad. */
export function figures(
  id: string,
  rows: readonly (readonly [name: string, value: string, mood?: 'good' | 'bad' | undefined])[],
): void {
  const list = element(id);
  rows.forEach(([name, value, mood], index) => {
    let row = list.children[index] as HTMLElement | undefined;
    if (!row) {
      row = document.createElement('div');
      row.append(document.createElement('dt'), document.createElement('dd'));
      list.append(row);
    }
    const [dt, dd] = row.children as unknown as [HTMLElement, HTMLElement];
    if (dt.textContent !== name) dt.textContent = name;
    if (dd.textContent !== value) dd.textContent = value;
    dd.className = mood ?? '';
  });
  while (list.children.length > rows.length) list.lastElementChild?.remove();
}

/** The token, from the address (`#token=…`), this tab, or whoever sits here. */
export function knownToken(): string | undefined {
  // A token has no spaces, but a plus sign perhaps, which is one in such an address.
  const given = new URLSearchParams(location.hash.slice(1).replaceAll('+', '%2B')).get('token');
  if (given) {
    sessionStorage.setItem('token', given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem('token') ?? undefined;
}

/** Asks for the token; says so when the one that is known was wrong. */
export async function askToken(): Promise<void> {
  const dialog = element<HTMLDialogElement>('token-dialog');
  const input = element<HTMLInputElement>('token');
  element('token-wrong').hidden = sessionStorage.getItem('token') === null;
  sessionStorage.removeItem('token');
  input.value = '';
  dialog.showModal();
  await new Promise<void>((resolve) => dialog.addEventListener('close', () => resolve(), { once: true }));
  // What is pasted brings a space or a line's end along.
  const given = input.value.trim();
  if (given) sessionStorage.setItem('token', given);
}

/** A message of a program as a sentence for people. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}${/[.!?…]$/.test(trimmed) ? '' : '.'}`;
}

/** Gives a stage the shape of its picture. */
export function shape(id: string, width: number, height: number): void {
  if (width > 0 && height > 0) element(id).style.setProperty('--aspect', (width / height).toFixed(4));
}
