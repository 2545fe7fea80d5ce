import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Foldable, fold, spanOf } from '../../../../src/console/grants/fold.ts';

const entries = fc.array(
  fc.record({
    at: fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
    foldKey: fc.constantFrom<(string | null)[]>('refreshed', 'refreshed', 'failed invalid_grant', null),
  }),
  { maxLength: 60, size: 'max' },
);

test('no entry is lost, none is told twice, and the order is kept', () => {
  fc.assert(
    fc.property(entries, (list: Foldable[]) => {
      expect(fold(list).flat()).toEqual(list);
    }),
  );
});

test('a fold holds entries of one key only, and an entry without a key stands alone', () => {
  fc.assert(
    fc.property(entries, (list) => {
      for (const folded of fold(list)) {
        expect(new Set(folded.map(({ foldKey }) => foldKey)).size).toBe(1);
        if (folded[0].foldKey === null) expect(folded).toHaveLength(1);
      }
    }),
  );
});

test('neighbours of one key are always joined', () => {
  fc.assert(
    fc.property(entries, (list) => {
      const folds = fold(list);
      for (const [index, [{ foldKey }]] of folds.entries()) {
        if (foldKey !== null) expect(folds[index + 1]?.[0].foldKey).not.toBe(foldKey);
      }
    }),
  );
});

test('the span of a fold covers each of its times', () => {
  fc.assert(
    fc.property(entries, (list) => {
      for (const folded of fold(list)) {
        const { first, last } = spanOf(folded);
        for (const { at } of folded) expect(at >= first && at <= last).toBe(true);
        expect(folded.map(({ at }) => at)).toEqual(expect.arrayContaining([first, last]));
      }
    }),
  );
});
