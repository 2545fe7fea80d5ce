import pg from 'pg';

type Parse = (text: string) => unknown;

/** Types whose text depends on settings of the session, such as DateStyle or extra_float_digits. */
const dependent: Record<string, readonly [oid: number, arrayOid: number]> = {
  date: [1082, 1182],
  'double precision': [701, 1022],
  interval: [1186, 1187],
  money: [790, 791],
  real: [700, 1021],
  time: [1083, 1183],
  'time with time zone': [1266, 1270],
  timestamp: [1114, 1115],
  'timestamp with time zone': [1184, 1185],
};

const bigint = 20;
const numeric = 1700;

const parsers = new Map<number, Parse>([
  ...Object.entries(dependent).flatMap(([name, oids]) => oids.map((oid) => [oid, refuse(name)] as const)),
  [bigint, (text) => new Date(Number(text))],
  [numeric, Number],
]);

function refuse(type: string): Parse {
  return () => {
    throw new TypeError(`a statement returns ${type}, whose text depends on settings: select it as columns.ts does`);
  };
}

/**
 * Reads the values of results. No text is parsed that depends on a setting of the database, the role or a pooler: a
 * bigint is an instant in milliseconds since 1970, a numeric is a fraction. Every other statement fails, so a column
 * that is selected as it is stored shows in the first test that reads it. Both forms of bytea are unambiguous.
 */
export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    parsers.get(oid) ?? pg.types.getTypeParser(oid, format === 'binary' ? 'binary' : 'text'),
};
