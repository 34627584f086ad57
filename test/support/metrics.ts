/**
 * Reads the metrics page at `opsAddress` (`host:port`): the value of each sample by its name with labels, as
 * `callhooks_build_info{version="0.1.0"}`.
 */
export async function readMetrics(opsAddress: string): Promise<ReadonlyMap<string, number>> {
  const page = await (await fetch(`http://${opsAddress}/metrics`)).text();
  const samples = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}
