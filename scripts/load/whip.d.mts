import type { RtcClient } from './rtc-client.mjs';

/** Publishes VP8. @returns address of the session, to be deleted */
export function publish(client: RtcClient, url: string, room: string, ssrc: number): Promise<string>;

/** Watches the upscaled picture (H.264), or the original (VP8). @returns address of the session, to be deleted */
export function watch(client: RtcClient, url: string, room: string, source: 'original' | 'upscaled'): Promise<string>;
