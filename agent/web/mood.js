/* What the understanding of a turn says about the mood, in words a customer can read.
 * Nothing heard is said as such: an absent figure is never shown as "neutral". */
const NOT_HEARD = "not enough heard";

const WORDS = [
  [0.5, "warm"],
  [0.15, "friendly"],
  [-0.15, "even"],
  [-0.5, "uneasy"],
  [-Infinity, "tense"],
];

const UPSET = [
  [0.6, "likely upset"],
  [0.3, "perhaps upset"],
  [-Infinity, "not upset"],
];

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const word = (scale, value) => scale.find(([from]) => value >= from)[1];

/** `position` is where the mood lies from 0 (unhappy) to 1 (happy), or null. */
export function mood({ sentiment, upset } = {}) {
  const words = [];
  if (isNumber(sentiment)) words.push(word(WORDS, sentiment));
  if (isNumber(upset)) words.push(`${word(UPSET, upset)} (${Math.round(upset * 100)} %)`);
  return {
    words: words.join(" · ") || NOT_HEARD,
    position: isNumber(sentiment) ? (Math.max(-1, Math.min(1, sentiment)) + 1) / 2 : null,
  };
}
