import { createHash, createHmac, randomBytes } from 'node:crypto';
import { bytes, open, seal } from './aead.ts';
import { type Received, type Reply, type ServiceDouble, startServiceDouble } from './service-double.ts';

export interface AwsDouble extends ServiceDouble {
  accessKeyId: string;
  secretAccessKey: string;
  /** Temporary credentials that the sign-ins return need it. */
  sessionToken: string;
  /** Token that the sign-ins of a workload and of a container accept. */
  identityToken: string;
  role: string;
}

const sessionOfInstance = 'session-of-the-instance';

/**
 * AWS KMS of one region, with Encrypt and Decrypt as documented. It checks each signature (Signature Version 4) on its own
 * from what arrived. On the same server: AssumeRoleWithWebIdentity, container credentials, and the metadata of an instance.
 */
export async function startAwsDouble(arns: readonly string[]): Promise<AwsDouble> {
  const secrets = {
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(60).toString('base64'),
    identityToken: randomBytes(60).toString('base64url'),
    role: 'arn:aws:iam::123456789012:role/token-broker',
  };
  const keys = new Map(arns.map((arn) => [arn, randomBytes(32)]));
  const reply = (request: Received): Reply => {
    if (request.path !== '/') return metadata(request, secrets);
    if (request.body.startsWith('Action=')) return assumeRole(request, secrets);
    return isSigned(request, secrets) ? keyOperation(request, keys) : refusal('InvalidSignatureException');
  };
  return Object.assign(await startServiceDouble(reply), secrets);
}

function refusal(code: string, status = 400): Reply {
  return { status, body: { __type: code, message: 'refused' } };
}

function keyOperation({ headers, body }: Received, keys: ReadonlyMap<string, Buffer>): Reply {
  const input: { KeyId: string; Plaintext?: string; CiphertextBlob?: string; EncryptionContext?: object } =
    JSON.parse(body);
  if (headers['content-type'] !== 'application/x-amz-json-1.1') return refusal('UnknownOperationException');
  const key = keys.get(input.KeyId);
  if (key === undefined) return refusal('NotFoundException');
  const additional = Buffer.from(JSON.stringify(input.EncryptionContext ?? {}));
  const id = createHash('sha256').update(input.KeyId).digest();
  if (headers['x-amz-target'] === 'TrentService.Encrypt') {
    const blob = Buffer.concat([id, seal(key, bytes(input.Plaintext), additional)]);
    return { status: 200, body: { CiphertextBlob: blob.toString('base64'), KeyId: input.KeyId } };
  }
  if (headers['x-amz-target'] !== 'TrentService.Decrypt') return refusal('UnknownOperationException');
  const blob = bytes(input.CiphertextBlob);
  // The blob names its key: another one is told apart from altered bytes.
  if ([...keys.keys()].some((arn) => arn !== input.KeyId && digest(arn).equals(blob.subarray(0, 32)))) {
    return refusal('IncorrectKeyException');
  }
  const plain = open(key, blob.subarray(32), additional);
  if (plain === undefined || !id.equals(blob.subarray(0, 32))) return refusal('InvalidCiphertextException');
  return { status: 200, body: { Plaintext: plain.toString('base64'), KeyId: input.KeyId } };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

type Secrets = Omit<AwsDouble, keyof ServiceDouble>;

function isSigned({ method, path, headers, body }: Received, secrets: Secrets): boolean {
  const parsed =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([\w-]+)\/kms\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/;
  const [, id, date = '', region = '', names = '', signature] = parsed.exec(headers.authorization ?? '') ?? [];
  const time = String(headers['x-amz-date']);
  const sentToken = headers['x-amz-security-token'];
  const wantedNames = [
    'host',
    'x-amz-date',
    'x-amz-target',
    ...(sentToken === undefined ? [] : ['x-amz-security-token']),
  ];
  if (
    id !== secrets.accessKeyId ||
    !time.startsWith(date) ||
    !wantedNames.every((name) => names.split(';').includes(name))
  ) {
    return false;
  }
  if (sentToken !== undefined && sentToken !== secrets.sessionToken) return false;
  const lines = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = `${method}\n${path}\n\n${lines.join('')}\n${names}\n${digest(body).toString('hex')}`;
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${date}/${region}/kms/aws4_request\n${digest(canonical).toString('hex')}`;
  const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const signing = mac(mac(mac(mac(`AWS4${secrets.secretAccessKey}`, date), region), 'kms'), 'aws4_request');
  return mac(signing, toSign).toString('hex') === signature;
}

function assumeRole({ body }: Received, secrets: Secrets): Reply {
  const form = new URLSearchParams(body);
  const wanted = { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: secrets.role };
  const fits = Object.entries(wanted).every(([name, value]) => form.get(name) === value);
  if (!fits || form.get('WebIdentityToken') !== secrets.identityToken) {
    const code = fits ? 'InvalidIdentityToken' : 'AccessDenied';
    return { status: fits ? 400 : 403, body: `<ErrorResponse><Error><Code>${code}</Code></Error></ErrorResponse>` };
  }
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = temporary(secrets);
  const credentials = `<Credentials><AccessKeyId>${AccessKeyId}</AccessKeyId><SecretAccessKey>${SecretAccessKey}</SecretAccessKey><SessionToken>${Token}</SessionToken><Expiration>${Expiration}</Expiration></Credentials>`;
  const result = `<AssumeRoleWithWebIdentityResult>${credentials}</AssumeRoleWithWebIdentityResult>`;
  return { status: 200, body: `<AssumeRoleWithWebIdentityResponse>${result}</AssumeRoleWithWebIdentityResponse>` };
}

/** Container credentials at /container; the instance metadata service, version 2, at its documented paths. */
function metadata({ method, path, headers }: Received, secrets: Secrets): Reply {
  if (path === '/container') {
    return headers.authorization === secrets.identityToken
      ? { status: 200, body: temporary(secrets) }
      : { status: 401, body: {} };
  }
  if (
    path === '/latest/api/token' &&
    method === 'PUT' &&
    headers['x-aws-ec2-metadata-token-ttl-seconds'] !== undefined
  ) {
    return { status: 200, body: sessionOfInstance };
  }
  if (headers['x-aws-ec2-metadata-token'] !== sessionOfInstance) return { status: 401, body: '' };
  const list = '/latest/meta-data/iam/security-credentials/';
  if (path === list) return { status: 200, body: 'the-role' };
  return path === `${list}the-role` ? { status: 200, body: temporary(secrets) } : { status: 404, body: '' };
}

function temporary({ accessKeyId, secretAccessKey, sessionToken }: Secrets) {
  const Expiration = new Date(Date.now() + 3_600_000).toISOString();
  return { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken, Expiration };
}
