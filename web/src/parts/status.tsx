// What is known of a vulnerability on a device: three answers, each with a mark
// and a word, so that none hangs on colour.

const marks: Record<string, [string, string]> = { affected: ["\u25cf", "Affected"], undetermined: ["?", "Undetermined"], not_affected: ["\u2713", "Not affected"], fixed: ["\u2713", "Fixed"], under_investigation: ["?", "Under investigation"] };

export function Status({ of }: { of: string }) {
  const [mark, word] = marks[of] || ["\u00b7", of.replaceAll("_", " ") || "unknown"];
  return <span class={"answer " + of}><span aria-hidden="true">{mark}</span> {word}</span>;
}

export const decisions = ["act", "attend", "track*", "track"] as const;
const words: Record<string, string> = { act: "Act now", attend: "Attend", "track*": "Track closely", track: "Track" };

/** decided is a decision in words. */
export const decided = (d: string) => words[d.toLowerCase()] || d || "\u2013";
