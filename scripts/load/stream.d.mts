/** Encodes the example clip. @returns payloads of the packets of each picture */
export function encodeClip(
  codec: 'VP8' | 'H264',
  size: string,
  bitrate: number,
  folder: string,
): Promise<readonly (readonly Buffer[])[]>;

/** Sends pictures in real time, until the function that is returned is called. */
export function sendForever(
  pictures: readonly (readonly Buffer[])[],
  payloadType: number,
  ssrc: number,
  send: (packet: Buffer) => void,
): Promise<() => void>;
