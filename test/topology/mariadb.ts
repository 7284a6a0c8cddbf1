/** A MariaDB of the test's own: a fresh folder, a free port, a password; it ends with the test file. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";

const program = ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd", "/usr/local/sbin/mariadbd"].find(existsSync);
/** Why there is none, and how to get it; null: it is there. */
export const noMariadb =
  program === undefined || spawnSync("mariadb-install-db", ["--help"]).error !== undefined
    ? "needs MariaDB: apt install mariadb-server"
    : null;

/** With every character that a URL must not hold as it is. */
export const password = "se:k/r@t%?#&";

export interface Mariadb {
  readonly process: ChildProcess;
  readonly port: number;
  /** A fresh, empty database. */
  makeDatabase(): Promise<string>;
  /** One statement after the other, as root; rows of the last. */
  run(...statements: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
  stop(): Promise<void>;
}

export async function startMariadb(): Promise<Mariadb> {
  const dir = mkdtempSync(join(tmpdir(), "mariadb-"));
  const data = join(dir, "data");
  const socket = join(dir, "socket");
  const who = `--user=${userInfo().username}`;
  const installed = spawnSync(
    "mariadb-install-db",
    ["--no-defaults", `--datadir=${data}`, who, "--auth-root-authentication-method=normal", "--skip-test-db"],
    { encoding: "utf8" },
  );
  if (installed.status !== 0) throw new Error(`mariadb-install-db: ${installed.stdout}${installed.stderr}`);
  const port = await freePort();
  const child = spawn(
    program ?? "",
    [
      "--no-defaults",
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--port=${port}`,
      `--pid-file=${join(dir, "pid")}`,
      "--bind-address=127.0.0.1",
      "--skip-name-resolve",
      "--innodb-buffer-pool-size=64M",
      "--innodb-flush-log-at-trx-commit=2",
      "--innodb-flush-method=nosync", // nothing in it outlives the test
      who,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const run: Mariadb["run"] = async (...statements) => {
    const connection = await createConnection({ socketPath: socket, user: "root" });
    try {
      let rows: unknown = [];
      for (const statement of statements) [rows] = await connection.query(statement);
      return rows as readonly Readonly<Record<string, unknown>>[];
    } finally {
      await connection.end();
    }
  };
  async function stop(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGCONT");
      child.kill("SIGKILL"); // nothing in it is to be kept
      await once(child, "exit");
    }
    rmSync(dir, { recursive: true, force: true });
  }
  try {
    await ready(child);
    await run(
      `CREATE USER topology@'127.0.0.1' IDENTIFIED BY '${password}'`,
      "GRANT ALL ON `topology\\_%`.* TO topology@'127.0.0.1'",
    );
  } catch (error) {
    await stop();
    throw error;
  }
  let databases = 0;
  return {
    process: child,
    port,
    run,
    stop,
    async makeDatabase() {
      databases += 1;
      const name = `topology_${databases}`;
      await run(`CREATE DATABASE ${name}`);
      return `mysql://topology:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`;
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (/ready for connections/.test(said)) resolve();
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`mariadbd ended with ${code}: ${said}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
