package io.shardlight.diffusion.random;

/**
 * The block function of Threefry-2x32 with 20 rounds: a key and a two-word counter to two random
 * words.
 *
 * @see <a href="https://doi.org/10.1145/2063384.2063405">Salmon et al., Parallel Random Numbers: As
 *     Easy as 1, 2, 3 (SC11), section 3.3; constants of the Random123 library</a>
 */
final class Threefry2x32 {
  /** Rotation distances of rounds 0 to 7, then repeated: Random123, R_32x2. */
  private static final int[] ROTATIONS = {13, 15, 26, 6, 17, 29, 16, 24};

  private static final int ROUNDS = 20;

  /** Parity of the key schedule: Random123, SKEIN_KS_PARITY32. */
  private static final int PARITY = 0x1BD11BDA;

  private final int[] keySchedule;

  Threefry2x32(PrngKey key) {
    keySchedule = new int[] {key.high(), key.low(), PARITY ^ key.high() ^ key.low()};
  }

  /** The two words of a block: the first in the upper half of the result. */
  long block(int counter0, int counter1) {
    int x0 = counter0 + keySchedule[0];
    int x1 = counter1 + keySchedule[1];
    for (int round = 0; round < ROUNDS; round++) {
      x0 += x1;
      x1 = Integer.rotateLeft(x1, ROTATIONS[round % 8]) ^ x0;
      if (round % 4 == 3) { // a key is injected after every fourth round
        int injection = round / 4 + 1;
        x0 += keySchedule[injection % 3];
        x1 += keySchedule[(injection + 1) % 3] + injection;
      }
    }
    return (long) x0 << 32 | Integer.toUnsignedLong(x1);
  }
}
