import { MAX_PIXELS } from './limits.js';
import type { MediaInfo } from './media.js';

/** Demuxers of self-contained video files. Playlists, image sequences and devices would open other files or hosts. */
const DEMUXERS = [
  '3dostr,apng,asf,asf_o,av1,avi,avs,avs2,avs3,bink,cavsvideo,cdxl,dhav,dirac,dnxhd,dv,dvbsub,ea,evc,film_cpk,flic,flv',
  'gif,gxf,h261,h263,h264,hevc,hnm,idcin,idf,ifv,ingenient,ipmovie,ivf,jv,kux,live_flv,lmlm4,m4v,matroska,webm,mjpeg',
  'mjpeg_2000,mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegts,mpegvideo,mpjpeg,mv,mvi,mxf,nsv,nut,nuv,obu,ogg,pva,rl2,rm,roq,rpl',
  'smjpeg,smk,swf,thp,tmv,vc1,vc1test,vivo,vmd,wsvqa,wtv,wtv,yuv4mpegpipe',
].join(',');

/**
 * ffmpeg options that go before every `-i` of a user's file: only files and pipes may be opened, only by demuxers
 * that read nothing but the file itself.
 */
export const SAFE_INPUT_OPTIONS: readonly string[] = [
  '-protocol_whitelist',
  'file,pipe,fd',
  '-format_whitelist',
  DEMUXERS,
];

/**
 * ffmpeg options that go before the `-i` of pictures: nothing but one named demuxer, and no decoder allocates more than
 * is upscaled, whatever a header says.
 */
export function pictureInputOptions(demuxer: string): string[] {
  const limits = ['-max_pixels', String(MAX_PIXELS)];
  return ['-protocol_whitelist', 'file,pipe,fd', '-format_whitelist', demuxer, '-f', demuxer, ...limits];
}

/** What goes before the `-i` of a source that was probed, and behind it. */
export function inputOf({ path, pictures }: MediaInfo): { readonly options: readonly string[]; readonly url: string } {
  return pictures ?? { options: SAFE_INPUT_OPTIONS, url: fileUrl(path) };
}

/**
 * Options that let ffmpeg read two minutes, and no more than 100 MB, for what a track is. By itself it gives up after
 * 5 MB, seconds of a broadcast, before sound that begins late in a transport stream; what is read is kept in memory.
 */
export const LONG_LOOK: readonly string[] = ['-analyzeduration', '120M', '-probesize', '100M'];

/** A path as an ffmpeg URL that no character of the name can turn into another protocol, pattern or option. */
export function fileUrl(path: string): string {
  return `file:${path}`;
}
