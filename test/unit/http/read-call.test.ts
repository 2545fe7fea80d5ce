import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { contract } from '../../../src/http/contract/contract.ts';
import { plainForms } from '../../../src/http/schemas/text.ts';

interface PlainMember {
  what: string;
  member: z.ZodType;
  form: { source: string; flags: string };
}

const plainMembers = contract.flatMap(({ operationId, params, query, headers }) =>
  [params, query, headers].flatMap((part) =>
    Object.entries<z.ZodType>(part?.shape ?? {}).flatMap(([name, member]): PlainMember[] => {
      const form = plainForms.get(member)?.form;
      return form === undefined ? [] : [{ what: `${name} of ${operationId}`, member, form }];
    }),
  ),
);

describe('a member whose schema need not be asked', () => {
  test('is among those of a fetch', () => {
    const names = plainMembers.map(({ what }) => what);
    for (const name of ['name', 'subject', 'account_id']) expect(names).toContain(`${name} of getCredential`);
  });

  test.each(plainMembers)('is taken as it is wherever it has the form: $what', ({ member, form }) => {
    // One that remembers where it stopped would say no to every other text.
    expect(form.flags).toBe('');
    expect(form.source).toMatch(/^\^.*\$$/);
    fc.assert(
      fc.property(fc.stringMatching(new RegExp(form.source), { size: 'max' }), (text) => {
        expect(member.safeParse(text)).toEqual({ success: true, data: text });
      }),
    );
  });
});
