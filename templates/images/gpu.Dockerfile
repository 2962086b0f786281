# Launcher and worker for NVIDIA GPUs, with engine PJRT. Build context: templates/target/image.
# Bases are pinned by tags that are not moved, the one that only fetches wheels by digest too; the
# digests of the others could not be looked up where this was written. To pin them further:
# --build-arg BEAM=apache/beam_java17_sdk:2.70.0@sha256:…
ARG LAUNCHER=gcr.io/dataflow-templates-base/java17-template-launcher-base:20260122_RC00
ARG BEAM=apache/beam_java17_sdk:2.70.0
ARG PYTHON=python:3.12-slim-bookworm@sha256:54c85f3c47607a77f32adec749d3c81d1348bf25833671f512b26a9b6d778cb3

FROM ${LAUNCHER} AS launcher

# The plugin and NVIDIA's libraries, laid out as Python has them, where the engine looks for them.
# Nothing of Python goes into the image.
FROM ${PYTHON} AS plugin
COPY plugin-gpu.txt /plugin-gpu.txt
RUN pip install --no-cache-dir --no-deps --no-compile --only-binary :all: --require-hashes --target /plugin -r /plugin-gpu.txt

FROM ${BEAM}
COPY --from=launcher /opt/google/dataflow/java_template_launcher /opt/google/dataflow/java_template_launcher
COPY --from=plugin /plugin/jax_plugins/xla_cuda12/ /opt/pjrt/jax_plugins/xla_cuda12/
COPY --from=plugin /plugin/nvidia/ /opt/pjrt/nvidia/
# What seldom changes first; all of it is read where it lies, nothing is staged.
COPY libs/ /template/libs/
COPY app/ /template/app/
COPY shardlight.jar validate /template/
COPY option-native.json /opt/apache/beam/options/option-native.json

ENV FLEX_TEMPLATE_JAVA_MAIN_CLASS=io.shardlight.templates.FlexTemplate \
    FLEX_TEMPLATE_JAVA_CLASSPATH=/template/shardlight.jar \
    FLEX_TEMPLATE_JAVA_OPTIONS="-Xmx2g -Djava.awt.headless=true" \
    SHARDLIGHT_DEVICE_KIND=gpu
# XLA's compiler reads libdevice and calls ptxas of cuda_nvcc. The driver is the machine's own: Dataflow
# puts it below /usr/local/nvidia.
ENV PJRT_NAMES_AND_LIBRARY_PATHS=cuda:/opt/pjrt/jax_plugins/xla_cuda12/xla_cuda_plugin.so \
    XLA_FLAGS=--xla_gpu_cuda_data_dir=/opt/pjrt/nvidia/cuda_nvcc \
    LD_LIBRARY_PATH=/usr/local/nvidia/lib64 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
# The plugin handles signals that the JVM lives by; with libjsig both have theirs.
ENV LD_PRELOAD=/opt/java/openjdk/lib/libjsig.so
# What may be made again is kept where any user may write; weights that are rounded on their way to
# the devices lie on large pages. glibc's heaps are not limited, as the plugin compiles on all cores.
ENV XDG_CACHE_HOME=/var/tmp \
    HF_HOME=/var/tmp/huggingface \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1

# Beam's boot writes into the folder that it is started in.
WORKDIR /var/tmp
ENTRYPOINT ["/opt/apache/beam/boot"]
