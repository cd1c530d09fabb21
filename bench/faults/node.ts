import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectRaw } from '../../test/support/raw-client.ts'
import { findFreePorts, findTool, waitFor } from '../../test/support/tools.ts'

/** A request as nginx logged it. */
export interface Logged {
  readonly atMs: number
  readonly method: string
  /** Field `X-Id` of the request, `-` without one. */
  readonly id: string
  readonly status: number
}

/**
 * A real nginx of one process on a port of its own, so that `kill -9` and a pause hit all of it. It answers 200 with its port, or 500 while `fails` is on; the
 * port stays when it is started again.
 */
export class Node {
  readonly port: number
  readonly address: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'headgate-node-'))
  #child: ChildProcess | null = null

  private constructor(port: number) {
    this.port = port
    this.address = `127.0.0.1:${port}`
    writeFileSync(join(this.#folder, 'nginx.conf'), configuration(port, this.#folder))
  }

  static async start(count: number): Promise<Node[]> {
    const ports = await findFreePorts(count)
    const nodes = ports.map((port) => new Node(port))
    await Promise.all(nodes.map((node) => node.start()))
    return nodes
  }

  async start(): Promise<void> {
    const program = findTool('nginx')
    if (program === null) throw new Error('nginx is not installed')
    const child = spawn(program, ['-p', this.#folder, '-c', 'nginx.conf', '-e', 'error.log'], {
      stdio: 'ignore',
    })
    this.#child = child
    await waitFor(`nginx on port ${this.port}`, async () => {
      if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
      try {
        const client = await connectRaw(this.port)
        client.close()
        return true
      } catch {
        return undefined
      }
    })
  }

  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#child = null
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGCONT')
    child.kill(signal)
    await gone
  }

  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  set fails(isOn: boolean) {
    const mark = join(this.#folder, 'fails')
    if (isOn) writeFileSync(mark, '')
    else rmSync(mark, { force: true })
  }

  log(): readonly Logged[] {
    const file = join(this.#folder, 'access.log')
    if (!existsSync(file)) return []
    return readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [seconds = '', method = '', id = '', status = ''] = line.split(' ')
        return { atMs: Number(seconds) * 1000, method, id, status: Number(status) }
      })
  }

  async close(): Promise<void> {
    await this.end()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function configuration(port: number, folder: string): string {
  return `daemon off;
master_process off;
pid nginx.pid;
error_log error.log crit;
events { worker_connections 4096; }
http {
  log_format short '$msec $request_method $http_x_id $status';
  access_log access.log short;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      if (-f ${folder}/fails) { return 500 "broken"; }
      return 200 "${port}";
    }
  }
}
`
}
