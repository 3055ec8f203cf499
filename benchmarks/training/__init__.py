"""One student trained by one loop, whatever the method. Imports `data`, `influence`, `store`, `machine`.

trainer       the loop, its stages, checkpoints and log
student       the network in training: optimizer, schedule, running average, influence
schedules     the learning rate over the training
stage         one stage's parts and their checkpoint; pace: the clocks of a training
meter         sums over steps, kept on the device
evaluation    the one way a network is graded; selection: the evaluation that a validation set chooses
replay        steps that are recorded once and replayed; cuda_graphs: how a GPU does that; scalars: what Python
              reckons for them
"""
