import type { Page } from 'playwright-core';

/** Presses of Tab after which a thing counts as out of reach. */
const maxPresses = 150;

interface Focused {
  name: string;
  tag: string;
  isVisible: boolean;
  isInside: boolean;
}

/** Uses a page by its keyboard only, and notes each moment at which a person would not see where they are. */
export function createKeyboard(page: Page) {
  const lost: string[] = [];

  async function focused(): Promise<Focused | null> {
    return page.evaluate<Focused | null>(readFocus);
  }

  return {
    /** Places where the focus was not visible or outside of the window. */
    lost: lost as readonly string[],
    focused,
    press: (...keys: string[]) =>
      keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve()),
    type: (text: string) => page.keyboard.type(text),
    /** Presses Tab until the thing with that name has the focus. */
    async tabTo(name: string | RegExp): Promise<void> {
      const passed: string[] = [];
      const isIt = (each: Focused) => (typeof name === 'string' ? each.name === name : name.test(each.name));
      for (let presses = 0; presses < maxPresses; presses++) {
        await page.keyboard.press('Tab');
        const now = await focused();
        // The browser's own controls come after the last element of the page.
        if (now === null) continue;
        if (!now.isVisible || !now.isInside) lost.push(`${new URL(page.url()).pathname}: ${now.tag} ${now.name}`);
        if (isIt(now)) return;
        passed.push(now.name);
      }
      throw new Error(`no Tab leads to ${String(name)} on ${page.url()}. Passed: ${[...new Set(passed)].join(', ')}`);
    },
  };
}

/** Name, place and look of the focused element. The look counts as visible if it differs from the one without focus. */
const readFocus = `(() => {
  const element = document.activeElement;
  if (element === null || element === document.body || element === document.documentElement) return null;
  const label = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label') ?? element.textContent;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    name: label.replace(/\\s+/g, ' ').trim(),
    tag: element.tagName.toLowerCase(),
    isVisible: (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none',
    isInside: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
})()`;
