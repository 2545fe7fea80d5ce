import { expect, test } from 'vitest';
import { Secret } from '../../../src/domain/secret.ts';
import { signedHeaders } from '../../../src/kms/aws/signature.ts';

const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: new Secret('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'),
  sessionToken: null,
};
const signing = { region: 'us-east-1', service: 'service', now: new Date('2015-08-30T12:36:00Z') };

test('a request of the published test suite of Signature Version 4 gets the published signature', () => {
  const request = { url: 'https://example.amazonaws.com/', headers: {}, body: '' };
  // Case post-vanilla.
  expect(signedHeaders(request, credentials, signing)).toEqual({
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  });
});

test('body, target and session token are signed', () => {
  const request = { url: 'https://example.amazonaws.com/', headers: { 'x-amz-target': 'a' }, body: '{}' };
  const signatureOf = (change: object, session: string | null = null) =>
    signedHeaders(
      { ...request, ...change },
      { ...credentials, sessionToken: session === null ? null : new Secret(session) },
      signing,
    ).authorization;
  const all = [
    signatureOf({}),
    signatureOf({ body: '{ }' }),
    signatureOf({ headers: { 'x-amz-target': 'b' } }),
    signatureOf({}, 's'),
  ];
  expect(new Set(all).size).toBe(all.length);
});
