/** An offer with one picture, VP8, of somebody who will never connect. */
export function pictureOffer(direction: string): string {
  return [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=ice-ufrag:user', 'a=ice-pwd:password-of-22-letters'],
    ...[`a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}`, 'a=setup:actpass', 'a=group:BUNDLE 0'],
    ...['m=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=mid:0', `a=${direction}`, 'a=rtcp-mux'],
    ...['a=rtpmap:96 VP8/90000', 'a=ssrc:1234 cname:sender', ''],
  ].join('\r\n');
}
