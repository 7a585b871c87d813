/// <reference lib="dom" />
import type { Page } from 'playwright-core';
import { ClosingStack } from '#src/shared/closing-stack.js';
import { startBrowser, type TestBrowser, videoState, waitForFrames } from '../e2e/browser.js';
import { publishCamera } from '../e2e/stage.js';
import { UdpProxy } from '../support/udp-proxy.js';
import { type RelayProcess, startRelayProcess } from './relay-process.js';
import { type Sample, takeSample } from './sample.js';

/** Length of a soak run, in minutes. */
export const MINUTES = Number(process.env.TINYSR_SOAK_MINUTES || 10);

/** A relay process, a browser, one publisher and viewers. */
export interface Stage {
  readonly relay: RelayProcess;
  readonly browser: TestBrowser;
  /** All media goes through it. */
  readonly proxy: UdpProxy | undefined;
  readonly viewers: readonly Page[];
  /** Frames of the upscaled picture that each viewer has decoded. */
  frames(): Promise<number[]>;
  sample(seconds: number): Promise<Sample>;
  close(): Promise<void>;
}

/** Starts all, and waits until every viewer sees the upscaled picture. */
export async function openStage(wanted: { readonly viewers: number; readonly proxied: boolean }): Promise<Stage> {
  const stack = new ClosingStack();
  try {
    const proxy = wanted.proxied ? stack.use(await UdpProxy.open(), dispose) : undefined;
    const relay = stack.use(await startRelayProcess(proxy ? ['--announced-port', String(proxy.port)] : []), dispose);
    if (proxy) proxy.target = relay.mediaPort;
    const browser = stack.use(await startBrowser('320x180'), (opened) => opened.close());
    const publisher = await browser.open(relay.url);
    const link = await publishCamera(publisher);
    const viewers: Page[] = [];
    for (let number = 0; number < wanted.viewers; number += 1) {
      const viewer = await browser.open(link);
      await waitForFrames(viewer, 'after', 5);
      viewers.push(viewer);
    }
    const frames = () => Promise.all(viewers.map(async (viewer) => (await videoState(viewer, 'after')).frames));
    return {
      ...{ relay, browser, proxy, viewers, frames },
      sample: async (seconds) => takeSample(relay, seconds, await frames()),
      close: () => stack.close(),
    };
  } catch (error) {
    await stack.close().catch(() => undefined);
    throw error;
  }
}

function dispose(owned: AsyncDisposable): PromiseLike<void> {
  return owned[Symbol.asyncDispose]();
}
