import { Observable, type OperatorFunction } from 'rxjs';

/**
 * RxJS operator: gives each value to `work`, of which at most `concurrency` are under way; results come as they are
 * ready, which is in order where `work` serves its calls in order. The same as `mergeMap` or `concatMap` over promises,
 * without an Observable and its subscribers for each: twice a frame they were a seventh of the main thread's JavaScript.
 *
 * Values that come while as many are under way wait here, however many: the source has to bound them.
 *
 * @param work never throws: it rejects
 */
export function mapInOrder<T, R>(work: (value: T) => Promise<R>, concurrency: number): OperatorFunction<T, R> {
  return (source) =>
    new Observable((subscriber) => {
      const waiting: T[] = [];
      let underWay = 0;
      let ended = false;
      const start = (value: T): void => {
        underWay += 1;
        work(value).then(done, failed);
      };
      const done = (result: R): void => {
        underWay -= 1;
        subscriber.next(result);
        // Whoever took the result may have ended all.
        if (subscriber.closed) return;
        if (waiting.length) start(waiting.shift() as T);
        else if (ended && underWay === 0) subscriber.complete();
      };
      const failed = (error: unknown): void => subscriber.error(error);
      return source.subscribe({
        next(value) {
          if (underWay < concurrency) start(value);
          else waiting.push(value);
        },
        error: failed,
        complete() {
          ended = true;
          if (underWay === 0) subscriber.complete();
        },
      });
    });
}
