import { describe, expect, it } from 'vitest';
import { type Cell, type Job, outlook, schedule } from '#src/bench/schedule.js';
import type { Candidate } from '#src/bench/select.js';
import { NAMED_SIZES } from '#src/bench/sizes.js';

const candidate = (name: string): Candidate => ({
  model: { name, scale: 4, multiple: 1, variants: [] },
  reference: name,
  about: { name, shipped: true, params: null, macsPerLrPixel: null, quality: null },
});
const text = ({ what, candidate, provider, size }: Job) =>
  `${candidate.model.name} ${provider} ${size.name} ${what}`.replace(' cpu', '');

describe('the order of a run', () => {
  const jobs = schedule([candidate('nano'), candidate('small')], ['cpu'], NAMED_SIZES);

  it('begins with the usual size, and has each model’s check before any other size', () => {
    expect(jobs.slice(0, 4).map(text)).toEqual([
      'nano 270p stages',
      'nano 270p line',
      'small 270p stages',
      'nano 240p stages',
    ]);
    expect(jobs.filter(({ needed }) => needed).map(text)).toEqual(['nano 270p stages', 'small 270p stages']);
  });

  it('has every cell once, its stages before its line', () => {
    const names = jobs.map(text);
    expect(names).toHaveLength(2 * 5 * 2);
    expect(new Set(names).size).toBe(names.length);
    for (const job of jobs.filter(({ what }) => what === 'line')) {
      expect(names.indexOf(text({ ...job, what: 'stages' }))).toBeLessThan(names.indexOf(text(job)));
    }
  });

  it('takes the smallest size where the usual one is not asked for', () => {
    const [first] = schedule([candidate('nano')], ['cpu'], NAMED_SIZES.slice(2).reverse());
    expect(first && text(first)).toBe('nano 360p stages');
  });

  it('measures every device at the usual size before other sizes', () => {
    const order = schedule([candidate('nano')], ['cpu', 'cuda'], NAMED_SIZES).map(text);
    expect(order.slice(0, 2)).toEqual(['nano 270p stages', 'nano cuda 270p stages']);
  });
});

describe('what fits into the time', () => {
  const jobs = schedule([candidate('nano'), candidate('small')], ['cpu'], NAMED_SIZES.slice(0, 2));
  const cost = ({ what, size }: Job): number => (size.name === '240p' ? 3 : what === 'line' ? 5 : 4);
  const none = (_: Cell) => false;
  const chosen = (left: number, expected = cost, measured = none) => {
    const { jobs: found, ms } = outlook(jobs, left, expected, measured);
    return [found.map(text).join(', '), ms];
  };

  it('chooses all when there is time for all', () => {
    expect(outlook(jobs, Number.POSITIVE_INFINITY, cost, none).jobs).toEqual(jobs);
  });

  it('keeps the time of what is needed', () => {
    expect(chosen(12)).toEqual(['nano 270p stages, small 270p stages, nano 240p stages', 11]);
    expect(chosen(13)).toEqual(['nano 270p stages, nano 270p line, small 270p stages', 13]);
  });

  it('chooses what is needed even when there is no time', () => {
    expect(chosen(0)).toEqual(['nano 270p stages, small 270p stages', 8]);
  });

  it('leaves out a line whose stages are neither measured nor chosen', () => {
    const dear = (job: Job) => (job.what === 'stages' && !job.needed ? 100 : 1);
    const all = 'nano 270p stages, nano 270p line, small 270p stages, small 270p line';
    expect(chosen(50, dear)).toEqual([all, 4]);
    expect(chosen(50, dear, ({ size }) => size.name === '240p')[0]).toBe(
      `nano 270p stages, nano 270p line, small 270p stages, nano 240p line, small 270p line, small 240p line`,
    );
  });
});
