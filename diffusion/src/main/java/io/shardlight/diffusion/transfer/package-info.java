/**
 * Brings large files from elsewhere to this disk: in parallel ranges, resumed after a break,
 * checked, and under their final names only when whole. Knows no protocol; a {@link
 * io.shardlight.diffusion.transfer.RangeSource} does.
 */
@NullMarked
package io.shardlight.diffusion.transfer;

import org.jspecify.annotations.NullMarked;
