import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageHost } from '../../domain/console/page-host.ts';

/** The HTTP server of the service, as the console uses it. */
export type ConsoleHost = PageHost<FastifyRequest, FastifyReply>;
