import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { runBenchCommand } from '#src/bench/index.js';
import { namesIn, testFolder } from '../support/folder.js';

const folder = testFolder();
const failing = (report: string) =>
  runBenchCommand({ quick: true, model: 'tinysr-none', report }, new AbortController().signal);

it('leaves no report of a run that failed', async () => {
  const empty = folder.empty();
  await expect(failing(`${empty}/report.html`)).rejects.toMatchObject({ code: 'TSR_MODEL_NOT_FOUND' });
  expect(namesIn(empty)).toEqual([]);
});

it('leaves an earlier report as it was when a run fails', async () => {
  await writeFile(folder.file('earlier.html'), 'earlier');
  await expect(failing(folder.file('earlier.html'))).rejects.toMatchObject({ code: 'TSR_MODEL_NOT_FOUND' });
  expect(await folder.read('earlier.html')).toBe('earlier');
});

it('fails at once where no report can be written', async () => {
  const nowhere = `${folder.empty()}/nowhere/report.html`;
  await expect(failing(nowhere)).rejects.toMatchObject({ code: 'TSR_OUTPUT_UNWRITABLE' });
});
