import { from, lastValueFrom, Subject, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapInOrder } from '#src/pipeline/map-in-order.js';
import { counting } from '../support/pictures.js';

/** Lets all promises that can go on do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('values mapped by promises', () => {
  it('come out in order, no more of them under way than asked for', async () => {
    let underWay = 0;
    let most = 0;
    const work = async (value: number) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await settled();
      underWay -= 1;
      return value * 10;
    };
    const results = await lastValueFrom(from(counting(7)).pipe(mapInOrder(work, 2), toArray()));
    expect(results).toEqual(counting(7).map((value) => value * 10));
    expect(most).toBe(2);
  });

  it('are done before the end is told, and none is the end at once', async () => {
    const results = from([1]).pipe(
      mapInOrder((value) => settled().then(() => value), 1),
      toArray(),
    );
    expect(await lastValueFrom(results)).toEqual([1]);
    expect(
      await lastValueFrom(
        from([]).pipe(
          mapInOrder(() => settled(), 1),
          toArray(),
        ),
      ),
    ).toEqual([]);
  });

  it('end with the first error, of the work or of the source; what waits is not begun', async () => {
    const begun: number[] = [];
    const work = async (value: number) => {
      begun.push(value);
      throw new Error(`broken at ${value}`);
    };
    await expect(lastValueFrom(from(counting(4)).pipe(mapInOrder(work, 1)))).rejects.toThrow('broken at 0');
    await settled();
    expect(begun).toEqual([0]);
    const source = new Subject<number>();
    const all = lastValueFrom(source.pipe(mapInOrder(() => settled(), 1)));
    source.error(new Error('no more'));
    await expect(all).rejects.toThrow('no more');
  });

  it('that wait are not begun once nobody listens', async () => {
    const begun: number[] = [];
    const work = async (value: number) => {
      begun.push(value);
      await settled();
    };
    from(counting(4)).pipe(mapInOrder(work, 1)).subscribe().unsubscribe();
    await settled();
    await settled();
    expect(begun).toEqual([0]);
  });
});
