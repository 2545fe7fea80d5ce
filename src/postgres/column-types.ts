import type { ColumnType, JSONColumnType } from 'kysely';

/** bytea: read as Buffer, written as any Uint8Array. */
export type Bytes = ColumnType<Buffer, Uint8Array, Uint8Array>;
export type NullableBytes = ColumnType<Buffer | null, Uint8Array | null, Uint8Array | null>;
/** jsonb: written as JSON text, because pg converts a bare array to a Postgres array. */
export type Json<T extends object> = JSONColumnType<T>;
export type NullableJson<T extends object> = ColumnType<T | null, string | null, string | null>;
