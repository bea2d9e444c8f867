import { readFileSync } from 'node:fs';
import { constants, inflateRawSync } from 'node:zlib';
import { Architecture } from 'aws-cdk-lib/aws-lambda';

const LOCAL_HEADER = 0x04034b50;
const HEADER_BYTES = 30;
const DEFLATED = 8;
/** So much of the compressed file is more than enough for the first bytes of its content. */
const SAMPLE_BYTES = 64 * 1024;
/** e_machine of the ELF header (System V ABI; EM_X86_64 and EM_AARCH64). */
const MACHINES = new Map([
  [62, Architecture.X86_64],
  [183, Architecture.ARM_64],
]);

/**
 * The processor that the function in a package was built for, by the ELF header of its first file. On the other
 * processor the function would deploy without complaint and then fail at every event.
 *
 * @throws an error if the file is no zip of a Lambda function for x86_64 or arm64
 */
export function architectureOf(zip: string): Architecture {
  const bytes = readFileSync(zip);
  const machine = headerOfFirstFile(bytes);
  const isElf = machine?.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1'));
  const architecture = isElf ? MACHINES.get(machine?.readUInt16LE(18) ?? 0) : undefined;
  if (!architecture) {
    throw new Error(
      `${zip} is not a package of the function: its first file is no program for x86_64 or arm64`,
    );
  }
  return architecture;
}

/** The first 20 bytes of the first file (APPNOTE.TXT of PKWARE, 4.3.7). */
function headerOfFirstFile(zip: Buffer): Buffer | undefined {
  if (zip.length < HEADER_BYTES || zip.readUInt32LE(0) !== LOCAL_HEADER) return undefined;
  const start = HEADER_BYTES + zip.readUInt16LE(26) + zip.readUInt16LE(28);
  const sample = zip.subarray(start, start + SAMPLE_BYTES);
  const content =
    zip.readUInt16LE(8) === DEFLATED
      ? inflateRawSync(sample, { finishFlush: constants.Z_SYNC_FLUSH })
      : sample;
  return content.length < 20 ? undefined : content.subarray(0, 20);
}
