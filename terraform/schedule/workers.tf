# Kinds of workers. An accelerator is asked for in the words of generate's option of this name, which compares type,
# number or topology, and machine with what Dataflow has, before anything starts.
locals {
  workers = {
    cpu = {
      image        = "cpu"
      device_kind  = "cpu"
      machine_type = "n2-standard-8"
      disk_gb      = 50
      accelerator  = null
    }

    # GPUs are for the step that draws, on machines of its own; the others take the ones named here.
    l4 = {
      image        = "gpu"
      device_kind  = "gpu"
      machine_type = "n2-standard-4"
      disk_gb      = 200
      accelerator  = "type:nvidia-l4;count:1;machine_type:g2-standard-8;install-nvidia-driver"
    }
    h100 = {
      image        = "gpu"
      device_kind  = "gpu"
      machine_type = "n2-standard-4"
      disk_gb      = 200
      accelerator  = "type:nvidia-h100-80gb;count:1;machine_type:a3-highgpu-1g;install-nvidia-driver"
    }

    # TPUs are for all workers of a job, which are all alike.
    v5e-1 = {
      image        = "tpu"
      device_kind  = "tpu"
      machine_type = "ct5lp-hightpu-1t"
      disk_gb      = 200
      accelerator  = "type:tpu-v5-lite-podslice;topology:1x1"
    }
    v5e-4 = {
      image        = "tpu"
      device_kind  = "tpu"
      machine_type = "ct5lp-hightpu-4t"
      disk_gb      = 200
      accelerator  = "type:tpu-v5-lite-podslice;topology:2x2"
    }
    v5e-8 = {
      image        = "tpu"
      device_kind  = "tpu"
      machine_type = "ct5lp-hightpu-8t"
      disk_gb      = 200
      accelerator  = "type:tpu-v5-lite-podslice;topology:2x4"
    }
  }
}
