/** Holds the exit codes of all commands. From 64 on they are those of sysexits.h. */
export const EXIT = {
  done: 0,
  /** The answer is no: not found, refused, not serving. */
  no: 1,
  /** A comparison found a difference. */
  differs: 2,
  usage: 64,
  /** The files that a command was given can't be used. */
  data: 65,
  unavailable: 69,
  unexpected: 70,
  /** Standard output could not be written, for example to a full disk. */
  output: 74,
  config: 78,
} as const;
