/** Jobs on a real Flink cluster: a JobManager and TaskManagers in JVMs of their own. */
@NullMarked
package io.shardlight.flink;

import org.jspecify.annotations.NullMarked;
