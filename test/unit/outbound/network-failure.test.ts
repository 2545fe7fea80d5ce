import { expect, test } from 'vitest';
import { networkFailure } from '../../../src/outbound/network-failure.ts';

function messageOf(code: string, sent = false): string {
  return networkFailure(Object.assign(new Error('canary'), { code }), sent).message;
}

test.each([
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED',
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
])('%s is reported as a refusal of our client certificate', (code) => {
  for (const sent of [false, true]) {
    expect(messageOf(code, sent)).toBe(`The provider refused the client certificate of this connection (${code}).`);
  }
});

test.each(['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'])(
  "%s is reported as a fault of the provider's certificate",
  (code) => {
    expect(messageOf(code)).toContain(`The provider's TLS certificate could not be verified (${code})`);
  },
);

test('the message of a broken connection mentions the client certificate only if one was presented', () => {
  const error = Object.assign(new Error('canary'), { code: 'UND_ERR_SOCKET' });
  expect(networkFailure(error, true, true).message).toContain('client certificate');
  expect(networkFailure(error, true, false).message).not.toContain('certificate');
  expect(networkFailure(error, false, true).message).not.toContain('certificate');
});

test('an error code with unexpected characters is not quoted in the message', () => {
  expect(messageOf('ERR_SSL_<svg onload>_ALERT_UNKNOWN_CA')).not.toContain('svg');
  expect(messageOf('secret CERT canary')).not.toContain('canary');
});
