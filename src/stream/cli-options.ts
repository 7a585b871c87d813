import { DEVICES } from '../infer/types.js';
import type { OptionDefinition } from '../shared/option-definition.js';

/** One option of `tinysr-video relay`; its environment variable is read by the relay itself. */
export interface RelayOption extends OptionDefinition {
  readonly env: string;
}

const NETWORK = 'Network:';
const ACCESS = 'Access:';
const PICTURE = 'Picture:';
const LIMITS = 'Limits:';

/** Options of `tinysr-video relay`, in the order of the help. Values are checked by the relay itself. */
export const RELAY_OPTION_TABLE: readonly RelayOption[] = [
  {
    ...{ name: 'config', flag: '--config', value: '<file.json>', group: NETWORK, env: 'TINYSR_RELAY_CONFIG' },
    description: 'settings as JSON, by the names in docs/relay.md; flags and environment go before it',
  },
  {
    ...{ name: 'listen', flag: '-l, --listen', value: '<[host:]port>', group: NETWORK, env: 'TINYSR_RELAY_LISTEN' },
    ...{ description: 'where page, signalling, WHIP and WHEP are served', default: '127.0.0.1:8480' },
  },
  {
    ...{ name: 'mediaPort', flag: '--media-port', value: '<port>', group: NETWORK, env: 'TINYSR_RELAY_MEDIA_PORT' },
    ...{ description: 'UDP and TCP port of all media', default: '44480' },
  },
  {
    ...{ name: 'announcedAddress', flag: '--announced-address', value: '<ip|name>', group: NETWORK },
    ...{ description: 'address that browsers reach this machine at', env: 'TINYSR_RELAY_ANNOUNCED_ADDRESS' },
  },
  {
    ...{ name: 'announcedPort', flag: '--announced-port', value: '<port>', group: NETWORK },
    ...{ description: 'port that browsers reach the media port at', env: 'TINYSR_RELAY_ANNOUNCED_PORT' },
  },
  {
    ...{ name: 'iceServers', flag: '--ice-servers', value: '<json>', group: NETWORK, env: 'TINYSR_RELAY_ICE_SERVERS' },
    description: 'TURN and STUN servers for browsers, as JSON: [{"urls":"turn:…","username":"…","credential":"…"}]',
  },
  {
    ...{ name: 'tlsCert', flag: '--tls-cert', value: '<file.pem>', group: ACCESS, env: 'TINYSR_RELAY_TLS_CERT' },
    description: 'certificate chain; off localhost, browsers give cameras to HTTPS pages only',
  },
  {
    ...{ name: 'tlsKey', flag: '--tls-key', value: '<file.pem>', group: ACCESS, env: 'TINYSR_RELAY_TLS_KEY' },
    description: "the certificate's private key",
  },
  {
    ...{ name: 'selfSigned', flag: '--self-signed', group: ACCESS, env: 'TINYSR_RELAY_SELF_SIGNED' },
    description: 'make a certificate for this run; browsers warn once',
  },
  {
    ...{ name: 'token', flag: '--token', value: '<secret>', group: ACCESS, env: 'TINYSR_RELAY_TOKEN' },
    description: 'who publishes or watches must know it; better given by the environment variable',
  },
  {
    ...{ name: 'allowOrigins', flag: '--allow-origins', value: '<origin,…>', group: ACCESS },
    ...{ description: 'other sites whose pages may connect', env: 'TINYSR_RELAY_ALLOW_ORIGINS' },
  },
  {
    ...{ name: 'model', flag: '-m, --model', value: '<name|file.onnx>', group: PICTURE, env: 'TINYSR_MODEL' },
    ...{ description: 'best model to use; smaller ones take over when needed', default: 'tinysr-nano' },
  },
  {
    ...{
      name: 'device',
      flag: '-d, --device',
      value: '<name>',
      group: PICTURE,
      env: 'TINYSR_DEVICE',
      choices: DEVICES,
    },
    ...{ description: 'where inference runs', default: 'auto' },
  },
  {
    ...{ name: 'threads', flag: '--threads', value: '<n>', group: PICTURE, env: 'TINYSR_THREADS' },
    ...{ description: 'CPU threads of inference', default: 'all cores' },
  },
  {
    ...{ name: 'maxOutput', flag: '--max-output', value: '<WxH>', group: PICTURE, env: 'TINYSR_RELAY_MAX_OUTPUT' },
    ...{ description: 'largest upscaled picture', default: '1920x1080' },
  },
  {
    ...{ name: 'codec', flag: '-c, --codec', value: '<codec>', group: PICTURE, env: 'TINYSR_RELAY_CODEC' },
    ...{ description: 'codec of the upscaled stream', default: 'h264', choices: ['h264', 'vp8'] },
  },
  {
    ...{ name: 'targetDelay', flag: '--target-delay', value: '<ms>', group: PICTURE, env: 'TINYSR_RELAY_TARGET_DELAY' },
    ...{ description: 'frame age that the governor keeps', default: '250' },
  },
  {
    ...{ name: 'maxRooms', flag: '--max-rooms', value: '<n>', group: LIMITS, env: 'TINYSR_RELAY_MAX_ROOMS' },
    ...{ description: 'rooms at the same time', default: '16' },
  },
  {
    ...{ name: 'maxViewers', flag: '--max-viewers', value: '<n>', group: LIMITS, env: 'TINYSR_RELAY_MAX_VIEWERS' },
    ...{ description: 'viewers a room', default: '50' },
  },
  {
    ...{ name: 'maxBitrate', flag: '--max-bitrate', value: '<bit/s>', group: LIMITS, env: 'TINYSR_RELAY_MAX_BITRATE' },
    ...{ description: 'bit rate a publisher may send', default: '8000000' },
  },
  {
    ...{ name: 'maxInput', flag: '--max-input', value: '<WxH>', group: LIMITS, env: 'TINYSR_RELAY_MAX_INPUT' },
    ...{ description: 'largest published picture that is upscaled', default: '1920x1080' },
  },
];
