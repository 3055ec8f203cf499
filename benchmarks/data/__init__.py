"""From a data set's name to batches on the training device. Imports `machine`.

sources    names -> arrays: scikit-learn's digits, torchvision's image sets, your own .npz (`npz`) or folder of images
           (`folder`); `download` fetches; `halved` makes one of half the size
pictures   image files -> arrays of one size and number of channels
listed     labelled inputs that a file names
split      which inputs are labelled, unlabelled or held out; knows indices and classes, no pixels
images     the kind of input: what a view of it is, and what fits it (another kind stands beside this file)
texts      another kind of input: token numbers, and other wordings as strong views
tokens     texts -> token numbers, and what is known of a tokenizer's words; kept on the disk
written    texts in files: .json (USB's), .jsonl, .csv; reviews: fetches IMDb
augment    plain, weak and strong views of images; operators: RandAugment's fourteen
shares     the same views for images of any size, and what a strong view loses of them
files      where a data set lies on the disk, and a hash of its content
arrays     a data set in memory
task       what a method may see, and apart from it the answers that only the trainer may know
loader     endless batches in a seeded order
"""
