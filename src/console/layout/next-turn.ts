/** Resolves in the next turn of the event loop, so that calls go on while a page is made. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
