/** Programs that tests start. */

import { execFile } from "node:child_process";

/** Runs a program to its end; what it has printed. Raises an error with all of it if the program fails. */
export function run(folder: string, program: string, ...words: string[]): Promise<string> {
  const shell = process.platform === "win32" && program === "npm"; // which is a script there
  return new Promise((resolve, reject) => {
    execFile(program, words, { cwd: folder, encoding: "utf8", shell, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
      else resolve(stdout);
    });
  });
}
