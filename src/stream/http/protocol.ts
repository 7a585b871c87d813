import { z } from 'zod';

/** Version of the signalling; both sides must speak the same. */
export const PROTOCOL_VERSION = 1;
/** Largest message, in bytes. */
export const MAX_MESSAGE = 64 << 10;

const parameters = z.record(z.string(), z.unknown());
const sources = z.array(z.enum(['original', 'upscaled'])).max(2);
const id = z.string().min(1).max(128);

/** What a page may ask, one JSON text message each: `{ "id": 1, "method": "hello", "data": {…} }`. */
export const requestSchema = z.discriminatedUnion('method', [
  z.strictObject({
    id: z.number().int().nonnegative(),
    method: z.literal('hello'),
    data: z.strictObject({
      version: z.number().int(),
      role: z.enum(['publish', 'watch']),
      /** Of any length, as the token: the page can be told what a room may be called. */
      room: z.string().optional(),
      /** Secret that lets a publisher come back into its room. */
      key: z.string().min(16).max(128).optional(),
      /** Of any length: one that is too long to be right is wrong, which the page can be told. */
      token: z.string().optional(),
    }),
  }),
  z.strictObject({
    id: z.number().int().nonnegative(),
    method: z.literal('connect'),
    data: z.strictObject({ dtlsParameters: parameters }),
  }),
  z.strictObject({ id: z.number().int().nonnegative(), method: z.literal('restartIce'), data: z.strictObject({}) }),
  z.strictObject({
    id: z.number().int().nonnegative(),
    method: z.literal('produce'),
    data: z.strictObject({ kind: z.enum(['audio', 'video']), rtpParameters: parameters }),
  }),
  z.strictObject({
    id: z.number().int().nonnegative(),
    method: z.literal('closeProducer'),
    data: z.strictObject({ producerId: id }),
  }),
  z.strictObject({
    id: z.number().int().nonnegative(),
    method: z.literal('watch'),
    data: z.strictObject({ rtpCapabilities: parameters, sources }),
  }),
  z.strictObject({
    id: z.number().int().nonnegative(),
    method: z.literal('select'),
    data: z.strictObject({ sources }),
  }),
  z.strictObject({
    id: z.number().int().nonnegative(),
    method: z.literal('resume'),
    data: z.strictObject({ consumerId: id }),
  }),
]);

/** A request of a page. */
export type Request = z.output<typeof requestSchema>;

/** Why a connection is closed by the relay (WebSocket close codes 4000 and up). */
export const CLOSE_CODES = {
  protocol: 4000,
  unauthorized: 4001,
  refused: 4003,
  tooFast: 4008,
  roomClosed: 4010,
  restarting: 4011,
  shuttingDown: 4012,
  /** Not to be followed by a new connection: two that did so would push each other out for ever. */
  replaced: 4013,
  /** Media has a way of its own, which may be blocked. */
  noMedia: 4014,
} as const;
