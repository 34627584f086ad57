import type { Connection, RowDataPacket } from 'mysql2/promise';

const ER_NO_SUCH_THREAD = 1094;

/** Lists the ids of the connections that match a condition on `information_schema.processlist`. */
export async function listConnections(
  by: Connection,
  condition: string,
  values: (string | number[] | (number | null)[])[] = [],
): Promise<readonly number[]> {
  const sql = `SELECT id FROM information_schema.processlist WHERE ${condition}`;
  const [rows] = await by.query<RowDataPacket[]>(sql, values);
  return rows.map(({ id }) => Number(id));
}

/** Kills a connection to the server of `by`. Returns false when it has gone already. */
export async function killConnection(by: Connection, id: number): Promise<boolean> {
  try {
    await by.query(`KILL CONNECTION ${id}`);
    return true;
  } catch (error) {
    if ((error as { errno?: number }).errno === ER_NO_SUCH_THREAD) return false;
    throw error;
  }
}
