import type { KeyServiceSettings } from '../../domain/keys/key-services.ts';
import { KeyFailure } from '../../domain/ports/keys.ts';
import { Secret } from '../../domain/secret.ts';
import { callService, type ServiceResponse, wanted } from '../service-call.ts';
import { failureOf, isSuccess } from '../service-failure.ts';
import { cachedToken, type LimitedToken, readTokenFile, required } from '../sign-in.ts';
import type { AwsCredentials } from './signature.ts';

type AwsSettings = KeyServiceSettings['aws'];

/** Finds the credentials in the order of the AWS tools: access keys, web identity, container, instance. */
export function createAwsCredentials(aws: AwsSettings, regionalStsUrl: string): () => Promise<AwsCredentials> {
  const { accessKeyId, secretAccessKey, sessionToken, webIdentityTokenFile, containerCredentialsUrl } = aws;
  if (accessKeyId !== null || secretAccessKey !== null) {
    return async () => ({
      accessKeyId: required(accessKeyId, 'AWS_ACCESS_KEY_ID'),
      secretAccessKey: required(secretAccessKey, 'AWS_SECRET_ACCESS_KEY'),
      sessionToken,
    });
  }
  if (webIdentityTokenFile !== null) {
    return cachedToken(() => assumeRole(aws, webIdentityTokenFile, aws.stsUrl ?? regionalStsUrl));
  }
  if (containerCredentialsUrl !== null) return cachedToken(() => fromContainer(aws, containerCredentialsUrl));
  return cachedToken(() => fromInstance(aws.metadataUrl));
}

/** AssumeRoleWithWebIdentity of the Security Token Service, which needs no signature and answers in XML. */
async function assumeRole(
  { roleArn }: AwsSettings,
  tokenFile: string,
  stsUrl: string,
): Promise<LimitedToken<AwsCredentials>> {
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: required(roleArn, 'AWS_ROLE_ARN'),
    RoleSessionName: 'token-broker',
    WebIdentityToken: readTokenFile('AWS_WEB_IDENTITY_TOKEN_FILE', tokenFile),
  }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/xml' };
  const response = await callService({ method: 'POST', url: stsUrl, headers, body });
  const element = (name: string) => new RegExp(`<${name}>([^<>&]+)</${name}>`).exec(response.text)?.[1];
  if (!isSuccess(response)) throw failureOf(response, 'AssumeRoleWithWebIdentity', element('Code'));
  return credentialsOf(
    element('AccessKeyId'),
    element('SecretAccessKey'),
    element('SessionToken'),
    element('Expiration'),
  );
}

async function fromContainer({ containerTokenFile }: AwsSettings, url: string): Promise<LimitedToken<AwsCredentials>> {
  const authorization =
    containerTokenFile === null ? null : readTokenFile('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', containerTokenFile);
  const headers = authorization === null ? {} : { authorization };
  return read(await callService({ method: 'GET', url, headers }), 'the sign-in of the container');
}

/** Instance Metadata Service, version 2. */
async function fromInstance(metadataUrl: string): Promise<LimitedToken<AwsCredentials>> {
  const work = 'the sign-in of the instance';
  const session = await callService({
    method: 'PUT',
    url: `${metadataUrl}/latest/api/token`,
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '300' },
  });
  if (!isSuccess(session)) throw failureOf(session, work);
  const headers = { 'x-aws-ec2-metadata-token': session.text };
  const list = `${metadataUrl}/latest/meta-data/iam/security-credentials/`;
  const role = await callService({ method: 'GET', url: list, headers });
  if (!isSuccess(role)) throw failureOf(role, work);
  const [name = ''] = role.text.split('\n');
  return read(await callService({ method: 'GET', url: list + encodeURIComponent(name.trim()), headers }), work);
}

function read(response: ServiceResponse, work: string): LimitedToken<AwsCredentials> {
  if (!isSuccess(response)) throw failureOf(response, work);
  const member = (name: string) => wanted(response, name);
  return credentialsOf(member('AccessKeyId'), member('SecretAccessKey'), member('Token'), member('Expiration'));
}

function credentialsOf(
  id?: string,
  secret?: string,
  token?: string,
  expiration?: string,
): LimitedToken<AwsCredentials> {
  const lifetimeMs = Date.parse(expiration ?? '') - Date.now();
  if (id === undefined || secret === undefined || token === undefined || Number.isNaN(lifetimeMs)) {
    throw new KeyFailure('unreachable', 'the sign-in sent an answer that cannot be read.');
  }
  const value = { accessKeyId: id, secretAccessKey: new Secret(secret), sessionToken: new Secret(token) };
  return { value, lifetimeMs };
}
