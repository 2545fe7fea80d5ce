import { LRUCache } from 'lru-cache';
import { Agent } from 'undici';
import type { ClientCertificate } from './client-certificate.ts';
import { type ConnectorOptions, createGuardedConnector } from './guarded-connector.ts';

/** Sockets towards providers. A socket belongs to one client certificate, or to the requests that present none. */
export interface AgentPool {
  /** To be used at once: a later call may close the agent to new requests. */
  agentFor(certificate: ClientCertificate | null): Agent;
  /** Waits for requests in flight. */
  close(): Promise<void>;
}

/** Beyond it the agent least recently used is closed; its next request pays for a handshake. */
const maxCertificates = 100;
/** How long a key stays in memory for the sake of a few handshakes. */
const certificateAgentMs = 5 * 60_000;
/** Short, because a request written to a socket that the peer is closing counts as sent, and cannot be repeated. */
const keepAliveMs = 4000;

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
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    // The exchange has a deadline of its own, which also stops a body that drips.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}
