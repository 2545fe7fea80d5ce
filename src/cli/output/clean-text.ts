/** Control characters, which would move the cursor or change the terminal, and marks that reverse the text. */
const unsafe = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu;

/** Makes a text of the broker or a provider safe for a terminal. */
export function cleanText(text: string): string {
  return text.replace(/\s+/g, ' ').replace(unsafe, '\ufffd');
}
