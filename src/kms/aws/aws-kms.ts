import type { KeyServiceSettings } from '../../domain/keys/key-services.ts';
import { KeyFailure } from '../../domain/ports/keys.ts';
import type { KeyService } from '../key-service.ts';
import { callService, type ServiceResponse, textAt, wanted } from '../service-call.ts';
import { failureOf, isSuccess, mismatch } from '../service-failure.ts';
import { createAwsCredentials } from './credentials.ts';
import { signedHeaders } from './signature.ts';

/** Codes of a value that another key or another encryption context made. */
const mismatchCodes = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);
/** Codes of status 400 that pass. */
const temporaryCodes = new Set(['ThrottlingException', 'LimitExceededException', 'KeyUnavailableException']);

/** A symmetric key of AWS KMS, named by its ARN. The credentials need kms:Encrypt and kms:Decrypt on it. */
export function createAwsKms(location: string, { aws }: Pick<KeyServiceSettings, 'aws'>): KeyService {
  const [, partition = '', , region = ''] = location.split(':');
  const suffix = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = new URL('/', aws.kmsUrl ?? `https://kms.${region}.${suffix}`).href;
  const credentials = createAwsCredentials(aws, `https://sts.${region}.${suffix}/`);

  async function call(operation: 'Encrypt' | 'Decrypt', parameters: object): Promise<ServiceResponse> {
    const body = JSON.stringify({ KeyId: location, ...parameters });
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${operation}` };
    const signing = { region, service: 'kms', now: new Date() };
    const signed = signedHeaders({ url, headers, body }, await credentials(), signing);
    const response = await callService({ method: 'POST', url, headers: signed, body });
    if (!isSuccess(response)) throw explain(response, operation);
    return response;
  }

  return {
    async wrap(key, context) {
      const parameters = { Plaintext: base64(key), EncryptionContext: contextOf(context) };
      return Buffer.from(wanted(await call('Encrypt', parameters), 'CiphertextBlob'), 'base64');
    },
    async unwrap(wrapped, context) {
      const parameters = { CiphertextBlob: base64(wrapped), EncryptionContext: contextOf(context) };
      return Buffer.from(wanted(await call('Decrypt', parameters), 'Plaintext'), 'base64');
    },
  };
}

/** Additional authenticated data. CloudTrail logs it in plain form; it holds ids of keys only. */
function contextOf(context: Uint8Array): Record<string, string> {
  return { 'token-broker': Buffer.from(context).toString('utf8') };
}

function explain(response: ServiceResponse, work: string): KeyFailure {
  const code = textAt(response.json, '__type')?.split('#').at(-1);
  if (code !== undefined && mismatchCodes.has(code)) return mismatch();
  if (code !== undefined && temporaryCodes.has(code)) {
    return new KeyFailure('unreachable', `${work} failed for now (${response.status} ${code}).`);
  }
  return failureOf(response, work, code);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
