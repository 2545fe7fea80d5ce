import { LRUCache } from 'lru-cache';
import { Agent } from 'undici';
import { type ConnectorOptions, createGuardedConnector } from './guarded-connector.ts';
import type { ClientCertificate } from './http-types.ts';

/** Sockets to providers. A socket belongs to one client certificate, or to the requests without a certificate. */
export interface AgentPool {
  /** The caller dispatches on the agent at once: a later call may close the agent to new requests. */
  agentFor(certificate: ClientCertificate | null): Agent;
  /** Waits for requests in flight. */
  close(): Promise<void>;
}

/** Maximum number of certificate agents. Beyond it the least recently used one closes; its client connects anew. */
const maxCertificates = 100;
/** Lifetime of a certificate agent, 5 minutes. A longer one keeps private keys in memory to save a few handshakes. */
const certificateAgentMs = 5 * 60_000;
/**
 * Idle time after which a socket closes, 1 second. With a longer one, more requests are written to sockets that the
 * provider is closing; the answer to such a request is lost, and its refresh token may be spent.
 */
const keepAliveMs = 1000;
/** Maximum bytes of response headers. Tracing proxies and cookies exceed the default of 16 KB, which loses the tokens. */
const maxHeaderBytes = 64 * 1024;

export function createAgentPool(options: ConnectorOptions): AgentPool {
  const anonymous = createAgent(options, null);
  const closing = new Set<Promise<void>>();
  const byCertificate = new LRUCache<string, Agent>({
    max: maxCertificates,
    ttl: certificateAgentMs,
    ttlAutopurge: true,
    dispose(agent) {
      const closed: Promise<void> = agent.close().finally(() => closing.delete(closed));
      closing.add(closed);
    },
  });
  return {
    agentFor(certificate) {
      if (certificate === null) return anonymous;
      const found = byCertificate.get(certificate.id);
      if (found !== undefined) return found;
      const agent = createAgent(options, certificate);
      byCertificate.set(certificate.id, agent);
      return agent;
    },
    async close() {
      byCertificate.clear();
      await Promise.all([anonymous.close(), ...closing]);
    },
  };
}

function createAgent(options: ConnectorOptions, certificate: ClientCertificate | null): Agent {
  return new Agent({
    connect: createGuardedConnector(options, certificate),
    allowH2: false,
    pipelining: 1,
    maxHeaderSize: maxHeaderBytes,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    // The deadline of each exchange replaces both timeouts, and also ends a body that arrives too slowly.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}
