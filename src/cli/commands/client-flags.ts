import type { Command } from 'commander'

/** The flags by which every client verb finds the gateway and shows who asks (ClientFlags of client.ts). */
export function addClientFlags(command: Command): Command {
  return command
    .option(
      '--server <url>',
      'address of the Admin API (HEADGATE_SERVER, http://127.0.0.1:9180 by default); https works too',
    )
    .option('--admin-key <key>', 'the admin or viewer key (HEADGATE_ADMIN_KEY)')
    .option(
      '--admin-key-file <file>',
      'a file with the key (HEADGATE_ADMIN_KEY_FILE, ./data/admin.key by default)',
    )
}
